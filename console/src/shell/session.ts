import { useQuery } from "@tanstack/react-query";
import { meQuery } from "../api/queries";

/** Whether who is logged in may do this. What may not be done is refused by the platform anyhow. */
export function useMay(): (permission: string | undefined) => boolean {
  const me = useQuery(meQuery);
  const held = me.data?.user.permissions ?? [];
  return (permission) => permission === undefined || held.includes(permission);
}
