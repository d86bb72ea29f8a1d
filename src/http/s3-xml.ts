/**
 * Returns the text of the first `<name>` element that holds only text, with its
 * entities decoded. Returns `undefined` if there is none.
 *
 * This is no XML parser. S3's answers are flat and written by a machine, without
 * attributes on these elements and without CDATA. A real XML parser would only
 * make the worker larger.
 */
export function readElement(xml: string, name: string): string | undefined {
  // No regular expression: a page of a listing has thousands of elements.
  const opening = `<${name}>`;
  const closing = `</${name}>`;
  for (let at = xml.indexOf(opening); at >= 0; at = xml.indexOf(opening, at + 1)) {
    const start = at + opening.length;
    const end = xml.indexOf("<", start);
    if (end >= 0 && xml.startsWith(closing, end)) return decodeEntities(xml.slice(start, end));
  }
  return undefined;
}

/** Returns the inner XML of every `<name>` element, in order. */
export function readElements(xml: string, name: string): string[] {
  const opening = `<${name}>`;
  const closing = `</${name}>`;
  const elements: string[] = [];
  for (let at = xml.indexOf(opening); at >= 0;) {
    const start = at + opening.length;
    const end = xml.indexOf(closing, start);
    if (end < 0) break;
    elements.push(xml.slice(start, end));
    at = xml.indexOf(opening, end);
  }
  return elements;
}

/** Returns `text` with the five special characters of XML as numeric entities. */
export function escapeXml(text: string): string {
  return text.replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const NAMED_ENTITIES: Record<string, string> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/** Returns `text` with its entities decoded. An entity that XML does not know stays as it is. */
export function decodeEntities(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(
    /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w{2,4}));/gi,
    (entity, hex, decimal, name) => {
      if (name !== undefined) return NAMED_ENTITIES[name] ?? entity;
      const codePoint = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
      return codePoint <= 0x10ffff ? String.fromCodePoint(codePoint) : entity;
    },
  );
}
