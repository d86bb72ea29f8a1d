/**
 * Returns the text of the first `<name>` element that holds only text, with its
 * entities decoded. Returns `undefined` if there is none.
 *
 * This is no XML parser. S3's answers are flat and written by a machine, without
 * attributes on these elements and without CDATA. A real XML parser would only
 * make the worker larger.
 */
export function readElement(xml: string, name: string): string | undefined {
  const match = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml);
  return match?.[1] === undefined ? undefined : decodeEntities(match[1]);
}

/** Returns the inner XML of every `<name>` element, in order. */
export function readElements(xml: string, name: string): string[] {
  return Array.from(
    xml.matchAll(new RegExp(`<${name}>([\\s\\S]*?)</${name}>`, "g")),
    (match) => match[1] ?? "",
  );
}

/** Returns `text` with the five special characters of XML as numeric entities. */
export function escapeXml(text: string): string {
  return text.replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const NAMED_ENTITIES: Record<string, string> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

function decodeEntities(text: string): string {
  return text.replace(
    /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w{2,4}));/gi,
    (entity, hex, decimal, name) => {
      if (name !== undefined) return NAMED_ENTITIES[name] ?? entity;
      const codePoint = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
      return codePoint <= 0x10ffff ? String.fromCodePoint(codePoint) : entity;
    },
  );
}
