/** Who is logged in and the whole at a glance: routes by the agreed contract. */
import { Refusal, setCsrf } from "./client";

export interface User {
  id: string;
  email: string;
  name: string;
  role: string;
  permissions: string[];
  sites: string[];
  tenant: { id: string; name: string };
  totp: boolean;
}

export interface Me {
  user: User;
  csrf: string;
}

export interface Overview {
  stations: { known: number; connected: number };
  sessions: { running: number; power_w: number };
  connectors: Record<string, number>;
  energy_today_wh: number;
  alarms: number;
  at: string;
}

async function send<T>(method: string, path: string, body?: unknown): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method,
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", ...(csrfKept ? { "X-CSRF-Token": csrfKept } : {}) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (failed) {
    throw new Refusal(0, "network", "", failed instanceof Error ? failed.message : String(failed));
  }
  const text = await response.text();
  const said = text === "" ? null : JSON.parse(text);
  if (!response.ok) {
    const wait = Number(response.headers.get("Retry-After")) || null;
    throw new Refusal(response.status, said?.code ?? `http.${response.status}`, said?.title ?? "", said?.detail ?? "", said?.trace ?? "", said?.errors ?? [], wait);
  }
  return said as T;
}

let csrfKept = "";

function entered(me: Me): Me {
  csrfKept = me.csrf;
  setCsrf(me.csrf);
  return me;
}

export const readMe = async () => entered(await send<Me>("GET", "/me"));
export const readSetup = () => send<{ needed: boolean }>("GET", "/setup");
export const setUp = async (body: { email: string; name: string; password: string; code: string }) =>
  entered(await send<Me>("POST", "/setup", body));
export const logIn = async (body: { email: string; password: string; totp?: string }) =>
  entered(await send<Me>("POST", "/login", body));
export const logOut = () => send<null>("POST", "/logout");
export const readOverview = () => send<Overview>("GET", "/overview");
