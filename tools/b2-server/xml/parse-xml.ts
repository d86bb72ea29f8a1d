import { err, ok, type Result } from "../../../src/result.ts";

/** An XML element with its own text and its child elements. */
export interface ParsedElement {
  readonly name: string;
  readonly text: string;
  readonly children: readonly ParsedElement[];
}

const TOKEN =
  /<\?[^]*?\?>|<!--[^]*?-->|<(?<close>\/?)(?<name>[A-Za-z_][\w.-]*)(?:\s[^<>]*?)?(?<empty>\/?)>|(?<text>[^<]+)/y;

const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

// The requests of S3 are only a few levels deep. The limit protects against a
// hostile document with very many levels.
const MAX_DEPTH = 8;

/**
 * Parses the XML of S3 requests: elements and text. Ignores attributes such as
 * xmlns. Refuses document types, CDATA and namespace prefixes.
 */
export function parseXml(document: string): Result<ParsedElement> {
  const root = { name: "", text: "", children: [] as ParsedElement[] };
  const open = [root];
  let position = 0;
  while (position < document.length) {
    TOKEN.lastIndex = position;
    const match = TOKEN.exec(document);
    const parent = open.at(-1);
    if (match === null || parent === undefined) return err("malformed markup");
    position = TOKEN.lastIndex;
    const { close, name, empty, text } = match.groups ?? {};
    if (text !== undefined) {
      const decoded = decodeText(text);
      if (decoded === undefined) return err("unknown entity");
      parent.text += decoded;
    } else if (name !== undefined && close === "/") {
      if (open.length === 1 || parent.name !== name) return err(`unexpected </${name}>`);
      open.pop();
    } else if (name !== undefined) {
      const child = { name, text: "", children: [] };
      parent.children.push(child);
      if (empty !== "/") open.push(child);
      if (open.length > MAX_DEPTH) return err("too deep");
    }
  }
  const [element, ...rest] = root.children;
  if (open.length !== 1 || element === undefined || rest.length > 0 || root.text.trim() !== "") {
    return err("not one element");
  }
  return ok(element);
}

/** Returns the text of the first child named `name`. */
export function childText(element: ParsedElement, name: string): string | undefined {
  return element.children.find((child) => child.name === name)?.text;
}

function decodeText(text: string): string | undefined {
  let known = true;
  const decoded = text.replace(/&([^;]*);?/g, (_, reference: string) => {
    const character = ENTITIES[reference] ?? decodeNumber(reference);
    if (character === undefined) known = false;
    return character ?? "";
  });
  return known ? decoded : undefined;
}

function decodeNumber(reference: string): string | undefined {
  const match = /^#(?:x([0-9a-f]{1,6})|([0-9]{1,7}))$/i.exec(reference);
  if (match === null) return undefined;
  const point =
    match[1] === undefined ? Number.parseInt(match[2] ?? "", 10) : Number.parseInt(match[1], 16);
  return point <= 0x10ffff ? String.fromCodePoint(point) : undefined;
}
