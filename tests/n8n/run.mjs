// Runs a workflow of contrib/n8n as n8n does, against a real Colmeia: `node tests/n8n/run.mjs FILE VALUES < ITEM`. VALUES are
// a JSON object that stands in the place of what the workflow's first "Edit Fields" node says (`url`, `session`, …); ITEM is
// what the trigger gives. COLMEIA_KEY is the credential. It prints the nodes that ran, with what each gave.
//
// Only what these workflows use of n8n is here: five nodes, expressions, one item at a time. Whatever else stands in a file is
// an error, and so is an address that is no operation of the service's own document, or an answer that is none of success.
import { readFileSync } from "node:fs";

const [file, values] = process.argv.slice(2);
const { nodes, connections } = JSON.parse(readFileSync(file, "utf8"));
const given = JSON.parse(values);
const document = await (await fetch(`${given.url}/openapi.json?offered=true`)).json();
const ran = new Map();

// `={{ … }}` alone is the value itself, within a text it is its text.
function value(parameter, $json) {
  if (typeof parameter !== "string" || !parameter.startsWith("=")) return parameter;
  const $ = (name) => ({ item: { json: ran.get(name) } });
  const of = (code) => new Function("$json", "$", `return (${code});`)($json, $);
  const whole = /^=\{\{(.*)\}\}$/s.exec(parameter);
  if (whole && !whole[1].includes("}}")) return of(whole[1]);
  return parameter.slice(1).replaceAll(/\{\{(.*?)\}\}/gs, (_, code) => String(of(code)));
}

const compared = {
  "string equals": (left, right) => left === right,
  "string regex": (left, right) => new RegExp(right).test(left),
  "string notEmpty": (left) => left !== "",
  "boolean true": (left) => left === true,
};

function holds({ leftValue, rightValue, operator: { type, operation } }, json) {
  const compare = compared[`${type} ${operation}`];
  if (!compare) throw new Error(`no such operator here: ${type} ${operation}`);
  const left = value(leftValue, json);
  if (typeof left !== type) throw new Error(`${leftValue} is ${JSON.stringify(left)} and no ${type}, which n8n refuses`);
  return compare(left, value(rightValue, json));
}

function isOperation(method, path) {
  const like = (template) => new RegExp(`^${template.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(path);
  return Object.entries(document.paths).some(([template, methods]) => like(template) && method.toLowerCase() in methods);
}

async function request({ parameters }, json) {
  if (parameters.genericAuthType !== "httpHeaderAuth") throw new Error("the key has to be a credential");
  const url = new URL(value(parameters.url, json));
  const pairs = (list) => (list?.parameters ?? []).map((one) => [one.name, value(one.value, json)]);
  for (const [name, text] of pairs(parameters.queryParameters)) url.searchParams.append(name, text);
  if (!isOperation(parameters.method, url.pathname)) throw new Error(`${parameters.method} ${url.pathname} is no operation`);
  const headers = { "X-Api-Key": process.env.COLMEIA_KEY, ...Object.fromEntries(pairs(parameters.headerParameters)) };
  const body = parameters.sendBody ? value(parameters.jsonBody, json) : undefined;
  if (body !== undefined) {
    JSON.parse(body);
    headers["Content-Type"] = "application/json";
  }
  const answer = await fetch(url, { method: parameters.method, headers, body });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${parameters.method} ${url.pathname} answered ${answer.status}: ${text}`);
  return JSON.parse(text);
}

// What a node gives, and by which of its outputs.
async function run(node, json) {
  const { parameters } = node;
  switch (node.type) {
    case "n8n-nodes-base.webhook":
    case "n8n-nodes-base.manualTrigger":
      return [json, 0];
    case "n8n-nodes-base.set": {
      const set = parameters.assignments.assignments.map((one) => [one.name, given[one.name] ?? value(one.value, json)]);
      return [{ ...(parameters.includeOtherFields ? json : {}), ...Object.fromEntries(set) }, 0];
    }
    case "n8n-nodes-base.if": {
      const { conditions, combinator } = parameters.conditions;
      if (combinator !== "and") throw new Error("only `and` is known here");
      return [json, conditions.every((one) => holds(one, json)) ? 0 : 1];
    }
    case "n8n-nodes-base.httpRequest":
      return [await request(node, json), 0];
    default:
      throw new Error(`no such node here: ${node.type}`);
  }
}

const named = new Map(nodes.map((node) => [node.name, node]));
const follows = (name) => connections[name]?.main ?? [];
const begins = nodes.filter((node) => /webhook|Trigger/.test(node.type));
if (begins.length !== 1) throw new Error("one node has to begin it");
let waiting = [[begins[0], JSON.parse(readFileSync(0, "utf8"))]];
while (waiting.length) {
  const [node, json] = waiting.shift();
  const [gave, output] = await run(node, json);
  ran.set(node.name, gave);
  for (const { node: next } of follows(node.name)[output] ?? []) {
    if (!named.has(next)) throw new Error(`${node.name} leads to ${next}, which is not there`);
    waiting.push([named.get(next), gave]);
  }
}
console.log(JSON.stringify(Object.fromEntries(ran)));
