// How the pages are built: relative paths, so that they work under any prefix, hashed names, so that browsers keep them, and nothing
// inline, because the policy of the pages forbids it.
import { defineConfig } from "vite";

// Where `npm run dev` finds a sandbox; its phones and its clock are at the two ports after it.
const port = Number(process.env["WHARF_PORT"] ?? 8080);
const at = (further: number) => `http://127.0.0.1:${port + further}`;

export default defineConfig({
  base: "./",
  root: import.meta.dirname,
  build: {
    outDir: "../crates/wharf-dashboard/dist",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    target: "es2022",
    reportCompressedSize: true,
  },
  server: {
    port: 5173,
    strictPort: false,
    fs: { allow: [".."] },
    proxy: {
      "/v1": at(0),
      "/openapi.json": at(0),
      "/healthz": at(0),
      "/sandbox/control": { target: at(1), rewrite: (path) => path.replace(/^\/sandbox/, "") },
      "/sandbox/clock": { target: at(2), rewrite: (path) => path.replace(/^\/sandbox/, "") },
    },
  },
});
