// The programs of others, each as one function: a collection is sent, a document is made a collection, a collection is imported.
import { postmanToBruno } from "@usebruno/converters";
import newman from "newman";
import converter from "openapi-to-postmanv2";

// Sends the requests with these ids as a person does who presses «send» on each; says what was answered and what the variables are now.
export function send(collection, ids, times = 1) {
  let variables = collection.variable;
  return new Promise((resolve, reject) => {
    newman
      .run({ collection, folder: ids, iterationCount: times, reporters: [] }, (failure, { run }) => {
        if (failure) return reject(failure);
        const broken = run.failures.map(({ error }) => error.message);
        if (broken.length) return reject(new Error(`newman: ${broken.join("; ")}`));
        const answers = run.executions.map(({ item, response }) => ({ id: item.id, status: response.code, answer: json(response) }));
        resolve({ answers, collection: { ...collection, variable: variables } });
      })
      .on("script", (_, { execution }) => (variables = execution.collectionVariables.toJSON().values));
  });
}

function json({ stream, headers }) {
  if (!(headers.get("Content-Type") ?? "").startsWith("application/json")) return undefined;
  return JSON.parse(stream.toString());
}

// What Postman makes of the document when it is imported with these settings. The converter writes into what it is given.
export function imported(document, settings) {
  return new Promise((resolve, reject) => {
    converter.convertV2({ type: "json", data: structuredClone(document) }, settings, (failure, made) => {
      if (failure || !made.result) reject(failure ?? new Error(made.reason));
      else resolve(made.output[0].data);
    });
  });
}

// Every request of a collection, however deep its folders are.
export const requests = ({ item }) => item.flatMap((one) => (one.item ? requests(one) : [one]));

// Sets variables as a person does in the collection's table; those that it does not have are added.
export function set(collection, values) {
  const others = (collection.variable ?? []).filter(({ key }) => !(key in values));
  return { ...collection, variable: [...others, ...Object.entries(values).map(([key, value]) => ({ key, value }))] };
}

// The requests that Bruno shows after an import of the collection.
export async function bruno(collection) {
  const shown = await postmanToBruno(collection);
  const all = ({ items }) => items.flatMap((one) => (one.items ? all(one) : [one]));
  return all(shown.collection ?? shown);
}
