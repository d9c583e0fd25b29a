import { IconWebhook } from "@tabler/icons-react";
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { room } from "../../shell/room";
import { root } from "../../shell/root";
import { STATES, type DeliveryState } from "./queries";

export interface WebhookSearch {
  state?: DeliveryState;
  delivery?: string;
}

export const webhooks = room({
  entries: [{ to: "/webhooks", label: "nav.webhooks", icon: IconWebhook, permission: "webhooks.read", key: "w", group: "house" }],
  routes: [
    createRoute({ getParentRoute: () => root, path: "/webhooks", component: lazyRouteComponent(() => import("./Webhooks"), "Webhooks") }),
    createRoute({
      getParentRoute: () => root,
      path: "/webhooks/$id",
      validateSearch: (found: Record<string, unknown>): WebhookSearch => ({
        state: STATES.find((one) => one === found["state"]),
        delivery: typeof found["delivery"] === "string" && found["delivery"] !== "" ? found["delivery"] : undefined,
      }),
      component: lazyRouteComponent(() => import("./Webhook"), "Webhook"),
    }),
  ],
});
