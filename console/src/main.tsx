import { MantineProvider } from "@mantine/core";
import "@mantine/core/styles.css";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { setNonce } from "get-nonce";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Refusal } from "./api/client";
import { keys } from "./api/keys";
import { TextsProvider } from "./i18n";
import { router } from "./router";
import "./styles/tokens.css";
import "./styles/shell.css";
import "./styles/parts.css";
import { theme, variables } from "./theme";

const nonce = document.querySelector<HTMLMetaElement>("meta[name=csp-nonce]")?.content ?? "";
setNonce(nonce);

const SERVER_FAULT = 500;
const UNAUTHENTICATED = 401;
const RETRIES = 2;

const client: QueryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // The stream says when something is old; until it does, it is not.
      staleTime: 30_000,
      retry: (failures, error) =>
        failures < RETRIES && (!(error instanceof Refusal) || error.status === 0 || error.status >= SERVER_FAULT),
    },
  },
});
client.getQueryCache().subscribe((event) => {
  const error = event.type === "updated" && event.action.type === "error" ? event.action.error : null;
  // Logged out elsewhere, or for too long: back to the door, and here again after it.
  if (error instanceof Refusal && error.status === UNAUTHENTICATED && client.getQueryData(keys.me) !== undefined) {
    void client.resetQueries({ queryKey: keys.me });
  }
});

const place = document.getElementById("root");
if (place === null) throw new Error("the page has no place for the console");
createRoot(place).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto" getStyleNonce={() => nonce}>
      <TextsProvider>
        <QueryClientProvider client={client}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </TextsProvider>
    </MantineProvider>
  </StrictMode>,
);
