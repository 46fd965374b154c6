import type { Route } from './route.ts';

/** What a path leads to. */
export interface Match {
  readonly route: Route;
  /** The decoded last segment of a path with a variable one, else empty. */
  readonly parameter: string;
}

/** Finds the route of a path; the method is the caller's to compare. Only the variable segment is percent-decoded. */
export class Router {
  readonly #exact = new Map<string, Route>();
  /** By what precedes and what follows the variable segment. */
  readonly #variable: { readonly before: string; readonly after: string; readonly route: Route }[] = [];

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      const star = route.path.indexOf('*');
      if (star < 0) this.#exact.set(route.path, route);
      else
        this.#variable.push({ before: route.path.slice(0, star), after: route.path.slice(star + 1), route });
    }
  }

  /** The route of a path, or undefined. */
  find(path: string): Match | undefined {
    const exact = this.#exact.get(path);
    if (exact !== undefined) return { route: exact, parameter: '' };
    for (const { before, after, route } of this.#variable) {
      if (!path.startsWith(before) || !path.endsWith(after)) continue;
      const segment = path.slice(before.length, path.length - after.length);
      const parameter = segment === '' || segment.includes('/') ? undefined : decode(segment);
      if (parameter !== undefined) return { route, parameter };
    }
    return undefined;
  }
}

function decode(segment: string): string | undefined {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
