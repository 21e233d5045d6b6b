// One kind of event, as webhooks and streams tell it.
import { exampleOf, resolve, type Document } from "../../api/document";
import { Card } from "../../components/Card";
import { Code } from "../../components/Code";
import { to } from "../../routes";
import { Member, Members, Words } from "./members";

export function EventPage({ document, name }: { document: Document; name: string }) {
  const operation = document.webhooks[name]!.post;
  const media = operation.requestBody?.content["application/json"];
  const whole = resolve(document, media?.schema);
  const example = exampleOf(media);
  return (
    <>
      <Card title={<code>{name}</code>}>
        <p class="lead">{operation.summary}</p>
        <Words of={operation.description} />
        {example !== undefined && <Code text={JSON.stringify(example, null, 2)} label="Example of a delivery" />}
        <p class="soft">
          Told to <a href={to("webhooks")}>webhooks</a>, to streams and in <a href={to("events")}>the log</a>.
        </p>
      </Card>
      <Card title="Around it">
        <Members document={document} schema={{ ...whole, properties: Object.fromEntries(Object.entries(whole.properties ?? {}).filter(([member]) => member !== "data")) }} />
      </Card>
      <Card title="Its data">
        <Members document={document} schema={whole.properties?.["data"] ?? {}} />
      </Card>
      {Boolean(operation.parameters?.length) && (
        <Card title="Headers of a delivery">
          <dl class="members">
            {operation.parameters!.map((one) => (
              <Member key={one.name} document={document} name={one.name} schema={one.schema ?? {}} required={one.required} means={one.description} />
            ))}
          </dl>
        </Card>
      )}
      <Card title="What to answer">
        <dl class="pairs">
          {Object.entries(operation.responses).map(([status, response]) => (
            <>
              <dt>{status}</dt>
              <dd>{response.description}</dd>
            </>
          ))}
        </dl>
      </Card>
    </>
  );
}

export function EventTable({ document }: { document: Document }) {
  return (
    <Card title="Events">
      <p class="soft">A webhook gets them signed, at least once and again until it answers; the log keeps them as long as the plan says.</p>
      <dl class="members">
        {Object.entries(document.webhooks).map(([name, { post }]) => (
          <>
            <dt>
              <a href={to("docs", "event", name)}>
                <code>{name}</code>
              </a>
            </dt>
            <dd>{post.summary}</dd>
          </>
        ))}
      </dl>
    </Card>
  );
}
