/** Lets in who is logged in; shows everybody else the door, or the first owner how to begin. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useLocation } from "@tanstack/react-router";
import { lazy, Suspense, useEffect } from "react";
import { Refusal } from "../api/client";
import { readSetup } from "../api/account";
import { connect } from "../api/live";
import { meQuery } from "../api/queries";
import { Failure } from "../parts/basics";
import { Login } from "./Login";
import { SetUp } from "./SetUp";
import { Shell } from "./Shell";

/** Few ever see it. */
const Reset = lazy(async () => ({ default: (await import("./Reset")).Reset }));
const RESET_PAGE = "/reset";
const UNAUTHENTICATED = 401;

export function Gate() {
  const client = useQueryClient();
  const me = useQuery(meQuery);
  const stranger = me.error instanceof Refusal && me.error.status === UNAUTHENTICATED;
  const setup = useQuery({ queryKey: ["setup"], queryFn: readSetup, enabled: stranger, retry: false });
  const resetting = useLocation({ select: ({ pathname }) => pathname === RESET_PAGE });
  const inside = me.data !== undefined && !resetting;

  useEffect(() => (inside ? connect(client) : undefined), [inside, client]);

  // Whoever comes by a link may be logged in as somebody else here.
  if (resetting) return <Suspense><Reset /></Suspense>;
  if (me.data !== undefined) return <Shell me={me.data} />;
  if (stranger && setup.data?.needed) return <SetUp />;
  if (stranger && !setup.isPending) return <Login />;
  if (me.isPending || setup.isLoading) return null;
  return (
    <main className="door">
      <Failure error={me.error ?? setup.error} retry={() => void me.refetch()} />
    </main>
  );
}
