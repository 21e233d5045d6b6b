// What TypeScript does not copy: icons, and what n8n's catalogue says of the nodes.
import { cpSync } from "node:fs";

cpSync("nodes", "dist/nodes", { recursive: true, filter: (path) => !/\.ts$/.test(path) });
