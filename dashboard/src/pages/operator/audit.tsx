// Who did what on this Wharf, newest first, by whatever one looks for.
import { useState } from "preact/hooks";
import { page, type Schemas } from "../../api/client";
import { loadDocument, operations } from "../../api/document";
import { useLoad } from "../../api/load";
import { Button } from "../../components/Button";
import { Bones, Card } from "../../components/Card";
import { Empty } from "../../components/Empty";
import { Field } from "../../components/Field";
import { Problem } from "../../components/Problem";
import { AuditTable } from "../usage";

type Entry = Schemas["AuditEntry"];

const NOTHING = { action: "", accountId: "", keyId: "", target: "" };
const LABELS: Record<keyof typeof NOTHING, [string, string]> = { action: ["Action", "such as create_api_key"], accountId: ["Account", "acc_…"], keyId: ["Key", "key_…"], target: ["Of what", "an id or a name"] };

export function Audit() {
  const [wanted, setWanted] = useState(NOTHING);
  const [more, setMore] = useState<{ data: Entry[]; next: string | null } | null>(null);
  const [outcome, setOutcome] = useState<"" | "done" | "refused">("");
  const audit = useLoad((signal) => (setMore(null), page<Entry>("v1/admin/audit", { limit: 100, ...wanted }, signal)), [wanted]);
  // Names of actions are the operations that change something.
  const actions = useLoad(() => loadDocument().then((document) => operations(document).filter((one) => one.method !== "GET").map((one) => one.operationId)), []);
  const all = [...(audit.value?.data ?? []), ...(more?.data ?? [])];
  const shown = all.filter((entry) => !outcome || (outcome === "refused") === Boolean(entry.code));
  const next = more ? more.next : (audit.value?.next ?? null);
  const older = async () => {
    const found = await page<Entry>("v1/admin/audit", { limit: 100, ...wanted, cursor: next });
    setMore({ data: [...(more?.data ?? []), ...found.data], next: found.next });
  };
  return (
    <>
      <div class="filters">
        {(Object.keys(NOTHING) as (keyof typeof NOTHING)[]).map((name) => (
          <Field key={name} label={LABELS[name][0]}>
            <input type="search" list={name === "action" ? "audit-actions" : undefined} placeholder={LABELS[name][1]} value={wanted[name]} onChange={(event: { currentTarget: HTMLInputElement }) => setWanted({ ...wanted, [name]: event.currentTarget.value.trim() })} />
          </Field>
        ))}
        <Field label="Outcome">
          <select value={outcome} onChange={(event: { currentTarget: HTMLSelectElement }) => setOutcome(event.currentTarget.value as typeof outcome)}>
            <option value="">all</option>
            <option>done</option>
            <option>refused</option>
          </select>
        </Field>
        {Object.values(wanted).some(Boolean) && (
          <Button size="small" onPress={() => setWanted(NOTHING)}>
            Show all
          </Button>
        )}
      </div>
      <datalist id="audit-actions">
        {["authenticate", ...(actions.value ?? [])].map((action) => (
          <option value={action} />
        ))}
      </datalist>
      <Problem of={audit.problem} />
      {audit.loading && <Bones />}
      {audit.value && shown.length === 0 && (
        <Empty icon="operator" title="Nothing fits">
          <p>Change what is looked for. Every change and every refused key stands here.</p>
        </Empty>
      )}
      {shown.length > 0 && (
        <Card flush>
          <AuditTable rows={shown} />
        </Card>
      )}
      {next && (
        <div class="row center">
          <Button onPress={older}>Older entries</Button>
        </div>
      )}
    </>
  );
}
