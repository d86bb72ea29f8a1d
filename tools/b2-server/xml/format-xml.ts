type XmlText = string | number | boolean;

/** An XML element: its name, and either its text or its children. */
export type XmlElement = readonly [name: string, content: XmlText | readonly XmlElement[]];

const S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  // An XML parser would turn an unescaped carriage return into a line feed.
  "\r": "&#13;",
};

/** Formats an XML document in S3's namespace. */
export function formatResult([name, content]: XmlElement): string {
  return formatDocument(`${name} xmlns="${S3_NAMESPACE}"`, name, content);
}

/** Formats an error document. S3 gives errors no namespace. */
export function formatError(code: string, message: string): string {
  return formatDocument("Error", "Error", [
    ["Code", code],
    ["Message", message],
  ]);
}

function formatDocument(start: string, name: string, content: XmlElement[1]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${start}>${formatContent(content)}</${name}>`;
}

function formatContent(content: XmlElement[1]): string {
  if (typeof content !== "object") return escapeXml(String(content));
  return content.map(([name, inner]) => `<${name}>${formatContent(inner)}</${name}>`).join("");
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"\r]/g, (character) => ESCAPES[character] ?? character);
}
