/** The one way to the platform: typed by its own document, with the session's cookie. */
import createClient, { type Middleware } from "openapi-fetch";
import type { Fault, Problem } from "./schema";
import type { paths } from "./schema";

/** A refusal of the platform (RFC 9457), or that it could not be reached. */
export class Refusal extends Error {
  override readonly name = "Refusal";

  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    readonly trace = "",
    readonly faults: readonly Fault[] = [],
    readonly retryAfterS: number | null = null,
  ) {
    super(detail || title);
  }
}

let csrf = "";

/** Who changes something from a browser shows that it read the log-in's answer. */
export function setCsrf(token: string): void {
  csrf = token;
}

const CHANGES = new Set(["POST", "PUT", "PATCH", "DELETE"]);

const withCsrf: Middleware = {
  onRequest({ request }) {
    if (csrf !== "" && CHANGES.has(request.method)) request.headers.set("X-CSRF-Token", csrf);
    return request;
  },
};

/** Has whoever sits there show who it is; whether that was shown. */
let confirmed = (): Promise<boolean> => Promise.resolve(false);

/** The page that asks for it, while there is one. */
export function confirmBy(asks: () => Promise<boolean>): () => void {
  const before = confirmed;
  confirmed = asks;
  return () => (confirmed = before);
}

const FORBIDDEN = 403;

/** The answer; of what wants a fresh log-in, the one after that, so that no form knows of it. */
async function answered(request: Request): Promise<Response> {
  if (!CHANGES.has(request.method)) return fetch(request);
  const again = request.clone();
  const answer = await fetch(request);
  if (answer.status !== FORBIDDEN) return answer;
  const said: unknown = await answer.clone().json().catch(() => null);
  const stale = isProblem(said) && said.code === "login.fresh_wanted";
  return stale && (await confirmed()) ? fetch(again) : answer;
}

export const api = createClient<paths, "application/json">({
  baseUrl: "",
  credentials: "same-origin",
  fetch: async (request) => {
    try {
      return await answered(request);
    } catch (failed) {
      if (failed instanceof DOMException && failed.name === "AbortError") throw failed;
      throw new Refusal(0, "network", "", failed instanceof Error ? failed.message : String(failed));
    }
  },
});
api.use(withCsrf);

/** The data of an answer. Throws a Refusal. */
export async function ask<T>(
  call: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw refusalOf(error, response);
  return data as T;
}

function refusalOf(error: unknown, response: Response): Refusal {
  const wait = Number(response.headers.get("Retry-After"));
  const retryAfterS = Number.isFinite(wait) && wait > 0 ? wait : null;
  const said = isProblem(error) ? error : null;
  return new Refusal(
    response.status,
    said?.code ?? `http.${response.status}`,
    said?.title ?? response.statusText,
    said?.detail ?? "",
    said?.trace ?? "",
    said?.errors ?? [],
    retryAfterS,
  );
}

function isProblem(said: unknown): said is Problem {
  return typeof said === "object" && said !== null && "code" in said && "title" in said;
}
