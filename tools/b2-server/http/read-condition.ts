export type ReadCondition = "proceed" | "not-modified" | "failed";

/** Evaluates If-Match before If-None-Match, in RFC 9110's order (13.2.2). */
export function evaluateReadCondition(
  headers: { readonly ifMatch: string | undefined; readonly ifNoneMatch: string | undefined },
  etag: string,
): ReadCondition {
  if (headers.ifMatch !== undefined && !matchesEtag(headers.ifMatch, etag)) return "failed";
  if (headers.ifNoneMatch !== undefined && matchesEtag(headers.ifNoneMatch, etag)) {
    return "not-modified";
  }
  return "proceed";
}

/** Whether a list of entity tags (or `*`) names `etag`; S3 takes bare tags too. */
export function matchesEtag(list: string, etag: string): boolean {
  if (list.trim() === "*") return true;
  return list.split(",").some((tag) => bareEtag(tag) === bareEtag(etag));
}

/** An entity tag without quotes and weakness mark. */
export function bareEtag(tag: string): string {
  return tag.trim().replace(/^W\//, "").replaceAll('"', "");
}
