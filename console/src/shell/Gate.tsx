/** Lets in who is logged in; shows everybody else the door, or the first owner how to begin. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { Refusal } from "../api/client";
import { readSetup } from "../api/account";
import { connect } from "../api/live";
import { meQuery } from "../api/queries";
import { Failure } from "../parts/basics";
import { Login } from "./Login";
import { SetUp } from "./SetUp";
import { Shell } from "./Shell";

const UNAUTHENTICATED = 401;

export function Gate() {
  const client = useQueryClient();
  const me = useQuery(meQuery);
  const stranger = me.error instanceof Refusal && me.error.status === UNAUTHENTICATED;
  const setup = useQuery({ queryKey: ["setup"], queryFn: readSetup, enabled: stranger, retry: false });
  const inside = me.data !== undefined;

  useEffect(() => (inside ? connect(client) : undefined), [inside, client]);

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
