/** Passkeys in this browser: the platform's questions in, the device's answers out, both as JSON. */
import { api, ask } from "./client";
import { entered } from "./account";

/** Whether this browser can; the platform says whether it is at a name that passkeys can be bound to. */
export const passkeysWork = (): boolean => typeof PublicKeyCredential !== "undefined" && "parseRequestOptionsFromJSON" in PublicKeyCredential;

/** Somebody closed the device's dialog: that is no error. */
export const wasDismissed = (error: unknown): boolean => error instanceof DOMException && (error.name === "NotAllowedError" || error.name === "AbortError");

function said(credential: Credential | null): Record<string, unknown> {
  if (!(credential instanceof PublicKeyCredential)) throw new DOMException("no passkey", "NotAllowedError");
  return credential.toJSON() as Record<string, unknown>;
}

async function shown() {
  const { options } = await ask(api.POST("/api/v1/login/passkey"));
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options as unknown as PublicKeyCredentialRequestOptionsJSON);
  return said(await navigator.credentials.get({ publicKey }));
}

export async function logInWithPasskey() {
  const credential = await shown();
  return entered(await ask(api.POST("/api/v1/login/passkey/answer", { body: { credential } })));
}

/** Whoever is logged in shows it once more. */
export async function confirmWithPasskey() {
  const credential = await shown();
  return ask(api.POST("/api/v1/me/confirmation/passkey", { body: { credential } }));
}

export async function addPasskey(name: string) {
  const { options } = await ask(api.POST("/api/v1/me/passkeys/question"));
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options as unknown as PublicKeyCredentialCreationOptionsJSON);
  const credential = said(await navigator.credentials.create({ publicKey }));
  return ask(api.POST("/api/v1/me/passkeys", { body: { name, credential } }));
}
