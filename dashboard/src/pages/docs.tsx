// The reference: every operation in words with examples, the events, and every error with the way to meet it.
import { useEffect, useMemo, useState } from "preact/hooks";
import { address } from "../api/client";
import { catalogue, loadCatalogue } from "../api/errors";
import { loadDocument, operations, type Document, type Operation } from "../api/document";
import { useLoad } from "../api/load";
import { Bones, Card, Head } from "../components/Card";
import { Problem } from "../components/Problem";
import { route, to } from "../routes";
import { ErrorPage, ErrorTable } from "./docs/error";
import { EventPage, EventTable } from "./docs/event";
import { List } from "./docs/list";
import { OperationPage } from "./docs/operation";
import { TagPage, Welcome } from "./docs/welcome";

export default function Docs() {
  const document = useLoad(() => loadDocument(), []);
  const [search, setSearch] = useState("");
  const [, kind, name] = route.value.parts;
  useEffect(() => void loadCatalogue(), []);
  useEffect(() => scrollTo({ top: 0 }), [kind, name]);
  const all = useMemo(() => (document.value ? inOrder(document.value) : []), [document.value]);
  return (
    <div class={`page reference ${kind ? "chosen" : ""}`}>
      <Head title="API reference">
        {document.value ? `${document.value.info.title} ${document.value.info.version}. ` : ""}Served by this Wharf itself at <code>{address("v1").href}</code>; <a href={address("openapi.json").href}>the OpenAPI document</a> is what this page reads.
      </Head>
      <Problem of={document.problem} />
      {document.loading && <Bones />}
      {document.value && (
        <div class="reference-columns">
          <List document={document.value} all={all} search={search} onSearch={setSearch} />
          <div class="stack">
            <a class="to-list" href={to("docs")}>
              All of the reference
            </a>
            <Chosen document={document.value} all={all} kind={kind} name={name ?? ""} />
          </div>
        </div>
      )}
    </div>
  );
}

/** As the tags stand in the document, and in them as the paths do. */
function inOrder(document: Document): Operation[] {
  const all = operations(document);
  return (document.tags ?? []).flatMap((tag) => all.filter((one) => one.tag === tag.name));
}

function Chosen({ document, all, kind, name }: { document: Document; all: Operation[]; kind: string | undefined; name: string }) {
  const operation = kind === "op" ? all.find((one) => one.operationId === name) : undefined;
  if (operation) return <OperationPage key={name} document={document} operation={operation} all={all} />;
  if (kind === "tag" && document.tags?.some((tag) => tag.name === name)) return <TagPage document={document} tag={name} all={all} />;
  if (kind === "event" && document.webhooks[name]) return <EventPage key={name} document={document} name={name} />;
  if (kind === "events") return <EventTable document={document} />;
  if (kind === "error" && catalogue.value.has(name)) return <ErrorPage name={name} all={all} />;
  if (kind === "errors" || (kind === "error" && catalogue.value.size === 0)) return <ErrorTable />;
  if (!kind) return <Welcome document={document} all={all} />;
  return (
    <Card title="That is not in this reference">
      <p>
        It may be of another version. <a href={to("docs")}>Begin at its start</a>.
      </p>
    </Card>
  );
}
