/** Who is logged in, and how one gets in and out. */
import { api, ask, setCsrf } from "./client";
import type { Credentials, FirstOwner, LoggedIn } from "./schema";

export type Me = LoggedIn;

/** What the page shows from now on; changes carry its token. */
export function entered(me: Me): Me {
  setCsrf(me.csrf);
  return me;
}

export const readMe = async () => entered(await ask(api.GET("/api/v1/me")));
export const readSetup = () => ask(api.GET("/api/v1/setup"));
export const setUp = async (body: FirstOwner) => entered(await ask(api.POST("/api/v1/setup", { body })));
export const logIn = async (body: Credentials) => entered(await ask(api.POST("/api/v1/login", { body })));
/** Where to log out next: of the provider of single sign-on, if it was one. */
export const logOut = async (): Promise<string | null> => {
  const call = api.POST("/api/v1/logout");
  await ask(call);
  return (await call).response.headers.get("Location");
};
