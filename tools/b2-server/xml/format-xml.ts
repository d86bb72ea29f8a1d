type XmlText = string | number | boolean;

/** An element: its name, and its text or its children. */
export type XmlElement = readonly [name: string, content: XmlText | readonly XmlElement[]];

const S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  // A parser turns a bare carriage return into a line feed.
  "\r": "&#13;",
};

/** Formats a result in S3's namespace. */
export function formatResult([name, content]: XmlElement): string {
  return formatDocument(`${name} xmlns="${S3_NAMESPACE}"`, name, content);
}

/** Formats an error; S3 gives it no namespace. */
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
