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

/**
 * The text of a netrc with this password for a host, and every other byte as it
 * was. A new entry goes to the top: what stands below `default` is never read.
 */
export function setNetrcPassword(text: string, hostname: string, password: string): string {
  if (hasEntry(text, hostname) && findNetrcPassword(text, hostname) === password) return text;
  // Without a login curl 7.88 forgets the password when another entry follows.
  return `machine ${hostname} login nargate password ${password}\n${withoutEntry(text, hostname)}`;
}

// An entry with its own lines reaches to the next one, or to a macro.
function entryPattern(hostname: string): RegExp {
  const name = hostname.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(
    `^[ \\t]*machine\\s+${name}(?=\\s|$)(?:\\s+(?:login|password|account)\\s+\\S+)*[ \\t]*(?:\\n|$)`,
    "gim",
  );
}

function hasEntry(text: string, hostname: string): boolean {
  return entryPattern(hostname).test(text);
}

function withoutEntry(text: string, hostname: string): string {
  return text.replace(entryPattern(hostname), "");
}
