/** What the pages of this room read. What is on its way changes by itself, so it is read again. */
import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, ask } from "../../api/client";
import type { WebhookView } from "../../api/schema";

export const STATES = ["waiting", "sending", "delivered", "failed"] as const;
export type DeliveryState = (typeof STATES)[number];

const AGAIN_MS = 3_000;

export const webhookKeys = {
  all: ["webhooks"],
  one: (id: string) => ["webhooks", id],
  log: (id: string, state?: DeliveryState) => ["webhooks", id, "deliveries", state ?? ""],
  delivery: (id: string, message: string) => ["webhooks", id, "deliveries", "one", message],
} as const;

export const webhooksQuery = queryOptions({
  queryKey: webhookKeys.all,
  queryFn: async ({ signal }) => (await ask(api.GET("/api/v1/webhooks", { params: { query: { limit: 1000 } }, signal }))).items,
  refetchInterval: AGAIN_MS,
});

export const webhookQuery = (id: string) =>
  queryOptions({
    queryKey: webhookKeys.one(id),
    queryFn: ({ signal }) => ask(api.GET("/api/v1/webhooks/{webhook_id}", { params: { path: { webhook_id: id } }, signal })),
    refetchInterval: AGAIN_MS,
  });

export const deliveriesQuery = (id: string, state?: DeliveryState) =>
  infiniteQueryOptions({
    queryKey: webhookKeys.log(id, state),
    queryFn: ({ pageParam, signal }) =>
      ask(api.GET("/api/v1/webhooks/{webhook_id}/deliveries", { params: { path: { webhook_id: id }, query: { limit: 100, cursor: pageParam, ...(state && { state }) } }, signal })),
    initialPageParam: "",
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
    refetchInterval: AGAIN_MS,
  });

export const deliveryQuery = (id: string, message: string) =>
  queryOptions({
    queryKey: webhookKeys.delivery(id, message),
    queryFn: ({ signal }) => ask(api.GET("/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}", { params: { path: { webhook_id: id, delivery_id: message } }, signal })),
    refetchInterval: AGAIN_MS,
  });

export const eventTypesQuery = queryOptions({
  queryKey: ["event-types"],
  queryFn: async ({ signal }) => await ask(api.GET("/api/v1/event-types", { signal })),
  select: (page) => page.items,
  staleTime: Infinity,
});

/** In one word how an endpoint is. */
export function healthOf(hook: WebhookView): "on" | "failing" | "off" {
  if (!hook.enabled) return "off";
  return hook.failing_since ? "failing" : "on";
}
