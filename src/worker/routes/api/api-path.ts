/** Whether a path is the API's, and so is answered in JSON whatever becomes of it. */
export function isApiPath(path: string): boolean {
  return path.startsWith("/api/");
}
