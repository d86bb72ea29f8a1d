/**
 * The password that a netrc file has for a host, as curl finds it: the first
 * `machine` of that name, or else `default`. Undefined where there is none.
 */
export function findNetrcPassword(text: string, hostname: string): string | undefined {
  const words = text
    .split("\n")
    .filter((line) => !line.trimStart().startsWith("#"))
    .flatMap((line) => line.split(/\s+/))
    .filter((word) => word !== "");
  let isMeant = false;
  for (let index = 0; index < words.length; index++) {
    switch (words[index]) {
      case "machine":
        isMeant = words[++index]?.toLowerCase() === hostname.toLowerCase();
        break;
      case "default":
        isMeant = true;
        break;
      case "login":
      case "account":
        index++;
        break;
      case "password": {
        const password = words[++index];
        if (isMeant) return password === undefined ? undefined : unquote(password);
        break;
      }
      default:
    }
  }
  return undefined;
}

function unquote(word: string): string {
  const quoted = /^"(.*)"$/.exec(word)?.[1];
  return quoted === undefined ? word : quoted.replace(/\\(.)/g, "$1");
}
