// One operation: what it is for, what it takes and gives, what can go wrong, and a form that sends it.
import { useState } from "preact/hooks";
import { codesOf, exampleOf, nameOf, resolve, type Document, type Operation } from "../../api/document";
import { Badge } from "../../components/Badge";
import { Card } from "../../components/Card";
import { Code } from "../../components/Code";
import { to } from "../../routes";
import { Attempt } from "./attempt";
import { Member, Members, Words } from "./members";
import { LANGUAGES, sample, type Language } from "./samples";

/** The language stays chosen from one operation to the next. */
let chosen: Language = "curl";

export function OperationPage({ document, operation, all }: { document: Document; operation: Operation; all: Operation[] }) {
  const [language, setLanguage] = useState<Language>(chosen);
  const json = operation.requestBody?.content["application/json"];
  const file = operation.requestBody?.content["application/octet-stream"];
  const place = all.indexOf(operation);
  return (
    <>
      <Card title={nameOf(operation)} aside={operation["x-permission"] ? <Badge tone="note">{operation["x-permission"]}</Badge> : operation.security?.length === 0 ? <Badge>no key</Badge> : undefined}>
        <p class="path">
          <span class={`verb ${operation.method}`}>{operation.method}</span> <code>{operation.path}</code>
        </p>
        <p class="lead">{operation.summary}</p>
        <Words of={operation.description} />
        <div class="tabs" role="group" aria-label="Language">
          {LANGUAGES.map((one) => (
            <button key={one} aria-pressed={one === language} onClick={() => setLanguage((chosen = one))}>
              {one}
            </button>
          ))}
        </div>
        <Code text={sample(language, operation)} label={`The request in ${language}`} />
      </Card>
      {Boolean(operation.parameters?.length) && (
        <Card title="Parameters">
          <dl class="members">
            {operation.parameters!.map((one) => (
              <Member key={`${one.in} ${one.name}`} asked document={document} name={one.name} schema={one.schema ?? {}} required={one.required} where={PLACES[one.in]} means={one.description} />
            ))}
          </dl>
        </Card>
      )}
      {json?.schema && (
        <Card title="Body" aside={<span class="faint">application/json</span>}>
          <Members asked document={document} schema={json.schema} />
        </Card>
      )}
      {file && (
        <Card title="Body" aside={<span class="faint">{Object.keys(operation.requestBody!.content).join(" or ")}</span>}>
          <p>The bytes of the file as they are, or a form with the file in it.</p>
        </Card>
      )}
      <Attempt operation={operation} document={document} />
      {Object.entries(operation.responses)
        .filter(([status]) => status.startsWith("2"))
        .map(([status, response]) => {
          const media = response.content?.["application/json"];
          const example = exampleOf(media);
          const data = media?.schema && (resolve(document, media.schema).properties?.["data"] ?? media.schema);
          const others = Object.keys(response.content ?? {}).filter((type) => type !== "application/json");
          return (
            <Card key={status} title={`Answer ${status}`} aside={<Badge tone="good">{status}</Badge>}>
              <Words of={response.description} />
              {others.length > 0 && <p class="soft">Also as {others.join(", ")}, by what Accept asks for.</p>}
              {example !== undefined && <Code text={JSON.stringify(example, null, 2)} label={`Example of the answer ${status}`} />}
              {data && (
                <details class="fold">
                  <summary>Each member of its data</summary>
                  <Members document={document} schema={data} />
                </details>
              )}
              <Headers document={document} named={response.headers} />
            </Card>
          );
        })}
      <Failures operation={operation} />
      <nav class="row spread" aria-label="Next to it">
        <Beside operation={all[place - 1]} word="Before" />
        <Beside operation={all[place + 1]} word="Next" />
      </nav>
    </>
  );
}

const PLACES = { path: "in the path", query: "in the query", header: "as a header" };

function Beside({ operation, word }: { operation: Operation | undefined; word: string }) {
  return operation ? (
    <a href={to("docs", "op", operation.operationId)}>
      {word}: {nameOf(operation)}
    </a>
  ) : (
    <span />
  );
}

function Headers({ document, named }: { document: Document; named: Operation["responses"][string]["headers"] }) {
  const names = Object.entries(named ?? {});
  if (names.length === 0) return null;
  return (
    <details class="fold">
      <summary>Its headers</summary>
      <dl class="pairs">
        {names.map(([name, header]) => (
          <>
            <dt>
              <code>{name}</code>
            </dt>
            <dd>
              <Words of={header.description ?? document.components.headers[header.$ref?.split("/").at(-1) ?? ""]?.description} />
            </dd>
          </>
        ))}
      </dl>
    </details>
  );
}

function Failures({ operation }: { operation: Operation }) {
  const byStatus = new Map<number, string[]>();
  for (const { status, code } of codesOf(operation)) byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  if (byStatus.size === 0) return null;
  return (
    <Card title="What can go wrong">
      <dl class="pairs">
        {[...byStatus].map(([status, codes]) => (
          <>
            <dt>{status}</dt>
            <dd class="codes">
              {codes.map((code) => (
                <a href={to("docs", "error", code)}>
                  <code>{code}</code>
                </a>
              ))}
            </dd>
          </>
        ))}
      </dl>
    </Card>
  );
}
