import { createRootRoute } from "@tanstack/react-router";
import { NotFound } from "./NotFound";
import { Gate } from "./Gate";

/** Above all pages. In a file of its own, so that rooms can hang theirs below it. */
export const root = createRootRoute({ component: Gate, notFoundComponent: NotFound });
