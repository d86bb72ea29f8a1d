import { findNetrcPassword } from "../gateway/netrc.ts";

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
