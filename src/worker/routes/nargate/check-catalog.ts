import type { Finding } from "../../../checks/finding.ts";
import type { CatalogStatus, RetentionStatus } from "../../catalog/catalog.ts";
import type { Exchange } from "../exchange.ts";
import { catalogOf } from "../catalog-of.ts";
import { detailOf } from "../../log.ts";

/** Returns what the catalog says of itself, if CATALOG is on. A read of the cache never asks it. */
export async function checkCatalog(exchange: Exchange): Promise<readonly Finding[]> {
  const check = "catalog";
  try {
    const catalog = catalogOf(exchange);
    if (catalog === undefined) return exchange.cache.catalog.isOn ? [{ check, ...LACKING }] : [];
    const finding = { check, ...describe(await catalog.readStatus()) };
    if (!exchange.cache.catalog.retention.isCollecting) return [finding];
    return [finding, checkCollection(await catalog.readRetention())];
  } catch (error) {
    const detail = detailOf(error);
    exchange.gateway.log("warn", "catalog-unavailable", { detail });
    return [
      {
        check,
        verdict: "warn",
        says: "does not answer",
        remedy: "The log says why. Nix pulls without the catalog.",
      },
    ];
  }
}

const LACKING: Omit<Finding, "check"> = {
  verdict: "warn",
  says: "CATALOG is on, but the worker was deployed without its object",
  remedy: "Add [exports.Catalog] to wrangler.toml, as in this repository, and deploy again.",
};

/** Returns why nothing is removed, although COLLECT is on. */
function checkCollection({ obstacles, last }: RetentionStatus): Finding {
  const [first] = obstacles;
  if (first !== undefined) {
    return {
      check: "collection",
      verdict: "warn",
      says: `removes nothing: ${first}`,
      remedy: "nargate gc says what else stands in its way.",
    };
  }
  const ended = last?.endedAt === undefined ? "none has ended yet" : `${last.condemned} paths go`;
  return { check: "collection", verdict: "ok", says: `collections: ${ended}` };
}

function describe(status: CatalogStatus): Omit<Finding, "check"> {
  const { completeAt, failure, listing, paths, unreadable } = status;
  if (failure === "catalog-over-limit") {
    return {
      verdict: "warn",
      says: "has used up what Cloudflare's free plan allows in a day",
      remedy: "It goes on at 00:00 UTC. Pulls and pushes work without it.",
    };
  }
  if (failure !== undefined) {
    return {
      verdict: "warn",
      says: `cannot list the bucket: ${failure}`,
      remedy: "The log says why. The catalog tries again by itself, at least once an hour.",
    };
  }
  if (completeAt === undefined) {
    const share = Math.floor((listing?.done ?? 0) * 100);
    return {
      verdict: "ok",
      says: `is being filled: ${paths} paths, about ${share} % of the bucket`,
    };
  }
  const strange = unreadable === 0 ? "" : `, and ${unreadable} narinfos that it cannot read`;
  return { verdict: "ok", says: `knows ${paths} paths${strange}` };
}
