// What is told where the window is smaller than what is in it, or the part of it that scrolls is narrower:
// how large that is, and the outermost elements that stick out on the right and that no box around them
// cuts or scrolls. Nothing where all fits.
() => {
  const { scrollWidth, scrollHeight } = document.documentElement;
  const main = document.querySelector(".main");
  if (main !== null && scrollHeight > innerHeight) return [`${scrollHeight} px are longer than the window`];
  if (scrollWidth <= innerWidth && (main === null || main.scrollWidth <= main.clientWidth)) return [];

  const right = (one) => Math.round(one.getBoundingClientRect().right);
  const kept = (one) => {
    for (let box = one; ; ) {
      const { position } = getComputedStyle(box);
      if (position === "fixed") return true;
      box = position === "absolute" ? box.offsetParent : box.parentElement;
      if (box === null || box.matches("html, body, .main")) return false;
      if (getComputedStyle(box).overflowX !== "visible") return true;
    }
  };
  const out = [...document.querySelectorAll("body *")].filter((one) => right(one) > innerWidth && !kept(one));
  const outermost = out.filter((one) => !out.includes(one.parentElement));
  const named = (one) => [one.localName, ...one.classList].join(".");
  const told = (one) => `${named(one.parentElement)} > ${named(one)} ends at ${right(one)} px`;
  return [`${Math.max(scrollWidth, main?.scrollWidth ?? 0)} px are wider than the window`, ...outermost.map(told)];
}
