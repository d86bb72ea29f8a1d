import { parse, patch } from "@decimalturn/toml-patch";
import { err, ok, type Result } from "../../src/result.ts";

/** The parts of a wrangler.toml that a set-up reads and changes. */
export interface ConfigFacts {
  /** The name of the worker. */
  readonly name: string;
  /** The texts in [vars]. Placeholders are left out. */
  readonly vars: Readonly<Record<string, string>>;
  /** The domain names of the worker, besides the one on workers.dev. */
  readonly hosts: readonly string[];
}

export interface ConfigChanges {
  readonly vars: Readonly<Record<string, string>>;
  /** A domain name that the worker gets, if it has not got it yet. */
  readonly host: string | undefined;
}

interface ParsedConfig {
  name?: unknown;
  vars?: Record<string, unknown>;
  routes?: unknown;
  route?: unknown;
}

export function parseConfig(text: string): Result<ConfigFacts> {
  const config = parseToml(text);
  if (!config.ok) return config;
  const { name, vars = {} } = config.value;
  if (typeof name !== "string" || !/^[\w-]{1,64}$/.test(name)) return err("has no valid name");
  const texts = Object.entries(vars).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  return ok({
    name,
    vars: Object.fromEntries(texts.filter(([, value]) => !/^<.*>$/s.test(value.trim()))),
    hosts: hostsOf(config.value),
  });
}

/**
 * Returns the text of a wrangler.toml with other settings. Comments and the order of
 * the lines stay. Fails if the result would differ in anything else.
 */
export function changeConfig(text: string, { vars, host }: ConfigChanges): Result<string> {
  const config = parseToml(text);
  if (!config.ok) return config;
  const wanted = { ...config.value, vars: { ...config.value.vars, ...vars } };
  try {
    const withVars = patch(text, wanted);
    if (host === undefined || hostsOf(wanted).includes(host)) {
      return isSame(withVars, wanted) ? ok(withVars) : err("could not be changed");
    }
    if (wanted.routes !== undefined || wanted.route !== undefined) {
      return err(`has other routes already: add ${routeOf(host)} to them yourself`);
    }
    const routes = [{ pattern: host, custom_domain: true }];
    const changed = insertBeforeTables(withVars, `routes = [${routeOf(host)}]`);
    return isSame(changed, { ...wanted, routes }) ? ok(changed) : err("could not be changed");
  } catch (error) {
    return err(`could not be changed: ${(error as Error).message.slice(0, 200)}`);
  }
}

function routeOf(host: string): string {
  return `{ pattern = "${host}", custom_domain = true }`;
}

/** Inserts a line at the end of the settings that belong to no table. */
function insertBeforeTables(text: string, line: string): string {
  const lines = text.split("\n");
  let at = lines.findIndex((candidate) => /^\s*\[/.test(candidate));
  if (at === -1) at = lines.length;
  // Empty lines and comments above the table belong to the table.
  while (at > 0 && /^\s*(?:#|$)/.test(lines[at - 1] ?? "")) at--;
  return lines.toSpliced(at, 0, line).join("\n");
}

function parseToml(text: string): Result<ParsedConfig> {
  try {
    return ok(parse(text) as ParsedConfig);
  } catch (error) {
    return err(`is not TOML: ${(error as Error).message.split("\n")[0]}`);
  }
}

function isSame(text: string, wanted: object): boolean {
  return JSON.stringify(sorted(parse(text))) === JSON.stringify(sorted(wanted));
}

/** Returns the value with the fields of every object in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, field]) => [name, sorted(field)]),
  );
}

function hostsOf({ routes, route }: ParsedConfig): readonly string[] {
  return [...(Array.isArray(routes) ? routes : []), route].flatMap(hostOf);
}

function hostOf(route: unknown): readonly string[] {
  const pattern =
    typeof route === "string" ? route : (route as { pattern?: unknown } | undefined)?.pattern;
  return typeof pattern === "string" ? [pattern.split("/")[0] ?? ""] : [];
}
