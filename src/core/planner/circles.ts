/**
 * The nodes that wait in a circle, found in time linear in the edges: whatever waits for nothing open is taken away
 * again and again, then whatever nothing left waits for. What remains is on circles, or on a way between two of them.
 */
export function onCircles(start: Iterable<string>, next: (node: string) => readonly string[]): Set<string> {
  const waits = reachable(start, next);
  const back = reversed(waits);
  return peel(peel(new Set(waits.keys()), waits, back), back, waits);
}

type Graph = ReadonlyMap<string, readonly string[]>;

function reachable(start: Iterable<string>, next: (node: string) => readonly string[]): Graph {
  const graph = new Map<string, readonly string[]>();
  const open = [...start];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (graph.has(node)) continue;
    const following = next(node);
    graph.set(node, following);
    for (const other of following) open.push(other);
  }
  return graph;
}

function reversed(graph: Graph): Graph {
  const back = new Map<string, string[]>([...graph.keys()].map((node) => [node, []]));
  for (const [node, following] of graph) for (const other of following) back.get(other)?.push(node);
  return back;
}

/** Takes away the nodes of `left` that no longer lead to another node of it. At first none of them leads out of it. */
function peel(left: Set<string>, out: Graph, into: Graph): Set<string> {
  const degrees = new Map<string, number>();
  for (const node of left) degrees.set(node, (out.get(node) ?? []).length);
  const done = [...left].filter((node) => degrees.get(node) === 0);
  for (let node = done.pop(); node !== undefined; node = done.pop()) {
    left.delete(node);
    for (const other of into.get(node) ?? []) {
      const degree = (degrees.get(other) ?? 0) - 1;
      degrees.set(other, degree);
      if (degree === 0 && left.has(other)) done.push(other);
    }
  }
  return left;
}
