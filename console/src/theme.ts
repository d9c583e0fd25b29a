import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from "@mantine/core";

const teal: MantineColorsTuple = [
  "#e7f8f6", "#cdeeea", "#9dddd6", "#69cbc1", "#40bcb0", "#22a89c", "#128f86", "#0b7a75", "#0a625e", "#084b48",
];

/** Mantine draws its dark surfaces from these; the same greys as in styles/tokens.css. */
const dark: MantineColorsTuple = [
  "#e8ebee", "#c9d0d6", "#a0aab4", "#75808b", "#39424b", "#252b31", "#1a1f24", "#15191d", "#101417", "#0e1114",
];

export const theme = createTheme({
  primaryColor: "teal",
  primaryShade: { light: 7, dark: 7 },
  colors: { teal, dark },
  fontFamily: "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace",
  fontSizes: { xs: "12px", sm: "13px", md: "14px", lg: "16px", xl: "20px" },
  defaultRadius: 6,
  cursorType: "pointer",
  respectReducedMotion: true,
  focusRing: "auto",
  components: {
    Button: { defaultProps: { size: "xs" } },
    TextInput: { defaultProps: { size: "xs" } },
    PasswordInput: { defaultProps: { size: "xs" } },
    NumberInput: { defaultProps: { size: "xs" } },
    NativeSelect: { defaultProps: { size: "xs" } },
    Select: { defaultProps: { size: "xs", checkIconPosition: "right" } },
    Textarea: { defaultProps: { size: "xs" } },
    JsonInput: { defaultProps: { size: "xs" } },
    Checkbox: { defaultProps: { size: "xs" } },
    Switch: { defaultProps: { size: "xs" } },
    SegmentedControl: { defaultProps: { size: "xs" } },
    ActionIcon: { defaultProps: { variant: "subtle", color: "gray" } },
    Tooltip: { defaultProps: { openDelay: 300, fz: 12 } },
    Drawer: { defaultProps: { overlayProps: { backgroundOpacity: 0.25 } } },
    Modal: { defaultProps: { overlayProps: { backgroundOpacity: 0.25 }, centered: true } },
  },
});

/** Mantine's own words for surfaces, said in ours (styles/tokens.css). */
export const variables: CSSVariablesResolver = () => {
  const ours = {
    "--mantine-color-body": "var(--panel)",
    "--mantine-color-text": "var(--ink)",
    "--mantine-color-dimmed": "var(--soft)",
    "--mantine-color-default": "var(--panel)",
    "--mantine-color-default-border": "var(--line-strong)",
    "--mantine-color-default-hover": "var(--hover)",
    "--mantine-color-placeholder": "var(--faint)",
    "--mantine-color-error": "var(--faulted)",
    "--mantine-color-anchor": "var(--accent)",
  };
  return { variables: {}, light: ours, dark: ours };
};
