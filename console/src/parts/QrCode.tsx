/** Made here: what it says goes nowhere. */
import qrcode from "qrcode-generator";
import { useMemo } from "react";

/** The dark modules as one path, and how many modules a side has. */
export function modulesOf(text: string): { path: string; size: number } {
  const code = qrcode(0, "M");
  code.addData(text);
  code.make();
  const size = code.getModuleCount();
  let path = "";
  for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) if (code.isDark(y, x)) path += `M${x} ${y}h1v1h-1z`;
  return { path, size };
}

/** A text for a phone's camera. */
export function QrCode({ text, label }: { text: string; label: string }) {
  const { path, size } = useMemo(() => modulesOf(text), [text]);
  return (
    <svg className="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label} shapeRendering="crispEdges">
      <path d={path} />
    </svg>
  );
}
