// n8n's own rules: those of its published nodes, and those of community nodes.
import { n8nCommunityNodesPlugin } from "@n8n/eslint-plugin-community-nodes";
import parser from "@typescript-eslint/parser";
import nodesBase from "eslint-plugin-n8n-nodes-base";

const rulesOf = (name) => nodesBase.configs[name].rules;
const typescript = { parser, parserOptions: { project: "./tsconfig.json" } };

export default [
  { ignores: ["dist", "node_modules", "scripts", "test", "eslint.config.mjs"] },
  n8nCommunityNodesPlugin.configs.recommended,
  { plugins: { "n8n-nodes-base": nodesBase } },
  { files: ["package.json"], languageOptions: { parser, parserOptions: { extraFileExtensions: [".json"] } }, rules: rulesOf("community") },
  { files: ["credentials/**/*.ts"], languageOptions: typescript, rules: rulesOf("credentials") },
  { files: ["nodes/**/*.ts"], languageOptions: typescript, rules: rulesOf("nodes") },
  {
    rules: {
      // The package has neither an address nor a page of its own before it is published.
      "@n8n/community-nodes/valid-author": "off",
      "@n8n/community-nodes/require-homepage": "off",
      "@n8n/community-nodes/credential-documentation-url": "off",
      "n8n-nodes-base/cred-class-field-documentation-url-not-http-url": "off",
      // Written for n8n's own repository.
      "n8n-nodes-base/cred-class-field-documentation-url-miscased": "off",
      // They want strings where n8n's rules for communities want its constants.
      "n8n-nodes-base/node-class-description-inputs-wrong-regular-node": "off",
      "n8n-nodes-base/node-class-description-outputs-wrong": "off",
    },
  },
];
