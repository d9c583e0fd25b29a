import { Anchor, TextInput } from "@mantine/core";
import { useState } from "react";
import { useT } from "../i18n";

/** The authenticator's code, or one of those on paper for who lost it. */
export function SecondFactor({ value, change, focused = false }: { value: string; change: (code: string) => void; focused?: boolean }) {
  const t = useT();
  const [lost, setLost] = useState(false);
  const other = () => {
    setLost(!lost);
    change("");
  };
  return (
    <div className="stack tight">
      <TextInput
        key={String(lost)} size="sm" required autoFocus={focused || lost} value={value} onChange={(event) => change(event.currentTarget.value)}
        label={lost ? t("login.recovery") : t("login.totp")}
        description={lost ? t("login.recovery_text") : undefined}
        inputMode={lost ? "text" : "numeric"} autoComplete={lost ? "off" : "one-time-code"} autoCapitalize="off" spellCheck={false}
      />
      <div><Anchor component="button" type="button" size="sm" onClick={other}>{lost ? t("login.use_totp") : t("login.use_recovery")}</Anchor></div>
    </div>
  );
}
