// What the operator of a Wharf looks after: accounts, plans, machines, what waits, WhatsApp's version, the switches, who did what.
import type { ComponentType } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { me } from "../api/client";
import { Head } from "../components/Card";
import { route, to } from "../routes";
import { Accounts } from "./operator/accounts";
import { Audit } from "./operator/audit";
import { Nodes, Queues } from "./operator/nodes";
import { Plans } from "./operator/plans";
import { Whatsapp } from "./operator/whatsapp";
import { Users } from "./people";

const TABS: Record<string, { title: string; show: ComponentType; shown?: () => boolean }> = {
  accounts: { title: "Accounts", show: Accounts },
  plans: { title: "Plans", show: Plans },
  users: { title: "Users", show: () => <Users path="v1/admin/users" operator />, shown: () => me.value?.by === "login" },
  nodes: { title: "Nodes", show: Nodes },
  queues: { title: "Queues", show: Queues },
  whatsapp: { title: "WhatsApp", show: Whatsapp },
  audit: { title: "Audit log", show: Audit },
};

export default function Operator() {
  const at = route.value.parts[1] ?? "accounts";
  const Tab = TABS[at]?.show;
  const tabs = useRef<HTMLElement>(null);
  // On a narrow screen the chosen one may be beyond its edge.
  useEffect(() => tabs.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" }), [at]);
  return (
    <div class="page">
      <Head title="Operator">Everything on this Wharf, whoever's it is.</Head>
      <nav class="tabs" ref={tabs} aria-label="Of the operator">
        {Object.entries(TABS)
          .filter(([, tab]) => tab.shown?.() ?? true)
          .map(([name, { title }]) => (
            <a href={to("operator", name)} aria-current={name === at ? "page" : undefined}>
              {title}
            </a>
          ))}
      </nav>
      {Tab ? <Tab key={at} /> : <p class="soft">That is not here.</p>}
    </div>
  );
}
