/**
 * Returns the password that a netrc file has for a host, or undefined. It
 * searches as curl does: the first `machine` entry of that name, or `default`.
 * Keywords may be in capitals. A macro ends at the next empty line.
 */
export function findNetrcPassword(text: string, hostname: string): string | undefined {
  const words = withoutMacros(text)
    .filter((line) => !line.trimStart().startsWith("#"))
    .flatMap((line) => line.split(/\s+/))
    .filter((word) => word !== "");
  let isMeant = false;
  for (let index = 0; index < words.length; index++) {
    switch (words[index]?.toLowerCase()) {
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

/** Returns the lines of a netrc file that belong to no macro (`macdef`). */
function withoutMacros(text: string): readonly string[] {
  let isInMacro = false;
  return text.split("\n").flatMap((line) => {
    if (isInMacro) {
      isInMacro = line.trim() !== "";
      return [];
    }
    // The word may stand behind an entry on the same line.
    const start = line.search(/(?:^|\s)macdef(?:\s|$)/i);
    if (start < 0 || line.trimStart().startsWith("#")) return [line];
    isInMacro = true;
    return [line.slice(0, start)];
  });
}

function unquote(word: string): string {
  const quoted = /^"(.*)"$/.exec(word)?.[1];
  return quoted === undefined ? word : quoted.replace(/\\(.)/g, "$1");
}

/**
 * Returns the text of a netrc file with this password for a host. All other bytes
 * stay unchanged. A new entry goes to the top, because entries below `default`
 * are never read.
 */
export function setNetrcPassword(text: string, hostname: string, password: string): string {
  if (hasEntry(text, hostname) && findNetrcPassword(text, hostname) === password) return text;
  // The entry has a login, because without one curl 7.88 forgets the password if another entry
  // follows.
  return `machine ${hostname} login nargate password ${password}\n${withoutEntry(text, hostname)}`;
}

// Matches one `machine` entry and its login, password and account, on one line or on several. The
// match ends before the next entry or macro.
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
