/** The rights of a token. `push` includes `read`; `admin` includes both. */
export const SCOPES = ["read", "push", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

export function isScope(value: unknown): value is Scope {
  return SCOPES.some((scope) => scope === value);
}

/** Whether the holder of `scopes` may do what `scope` allows. */
export function hasScope(holder: { readonly scopes: readonly Scope[] }, scope: Scope): boolean {
  return holder.scopes.some((held) => SCOPES.indexOf(held) >= SCOPES.indexOf(scope));
}
