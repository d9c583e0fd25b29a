import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

// `npm run dev` beside a running platform: FORECOURT_URL names it.
const platform = process.env.FORECOURT_URL ?? "http://127.0.0.1:8080";
const outDir = "../src/forecourt/console";
const PACKED = /\.(m?js|css|svg|json)$/;

/** Packs what was built, so that the platform need not. The page itself is written anew for each answer. */
function packed(): Plugin {
  return {
    name: "packed",
    apply: "build",
    closeBundle() {
      for (const entry of readdirSync(outDir, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !PACKED.test(entry.name) || entry.parentPath.includes(".vite")) continue;
        const path = join(entry.parentPath, entry.name);
        const content = readFileSync(path);
        writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
        writeFileSync(`${path}.br`, brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 10 } }));
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), packed()],
  build: {
    outDir,
    emptyOutDir: true,
    // A data: address would need a hole in the content security policy.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
    // Which files a page needs: for the test of how much that is.
    manifest: true,
  },
  server: { proxy: { "/api": platform, "/schema": platform, "/readyz": platform, "/healthz": platform, "/status": platform } },
});
