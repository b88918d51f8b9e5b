// How a driver says what its client did: one JSON line for the client, then one for each feature (as report.py).

import { readFileSync } from "node:fs";

const features = [];
const say = (line) => console.log(JSON.stringify(line));

/** Declare what shows one feature: it throws when the feature does not work, and may return more to say. */
export function feature(name, run) {
  features.push([name, run]);
}

/** Go through the features in the order in which they were declared, and print a line for each. */
export async function report(client, against) {
  const { version } = JSON.parse(readFileSync(`node_modules/${client}/package.json`, "utf8"));
  say({ client, version, against });
  for (const [name, run] of features) {
    try {
      say({ feature: name, ok: true, detail: (await run()) ?? "" });
    } catch (error) {
      console.error(error);
      say({ feature: name, ok: false, detail: `${error.name ?? "Error"}: ${error.message}` });
    }
  }
}
