import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// `npm run dev` beside a running platform: FORECOURT_URL names it.
const platform = process.env.FORECOURT_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "../src/forecourt/console",
    emptyOutDir: true,
    // A data: address would need a hole in the content security policy.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
    manifest: true,
  },
  server: { proxy: { "/api": platform, "/schema": platform, "/readyz": platform } },
});
