/** One place where the result of an operation is not what the case expects. */
export interface Difference {
  /** Where, as a person would write it in JavaScript: `actions[2].reason`. Empty for the whole value. */
  path: string;
  /** The expected value; undefined where none is expected. */
  expected: unknown;
  /** The value the operation gave; undefined where it gave none. */
  actual: unknown;
}

/** How two values are compared. */
export interface Comparison {
  /** `exact`: a null member is not an absent one (planner.md §3). `lenient`: they are equal (state-machine.md §1.1). */
  nulls: 'exact' | 'lenient';
  /** Names of members whose array is compared as a set with repetitions. */
  unordered: ReadonlySet<string>;
}

/** These print documents in which null and absent differ. */
const EXACT_OPS: ReadonlySet<string> = new Set([
  'canonicalize',
  'verify_artifact',
  'verify_evidence',
  'active_keys',
  'project_manifest',
  'selector',
]);

/** The comparison for an operation. Only `plan_next` heeds `orderSensitive` (planner.md §10, Order). */
export function comparisonFor(op: string, orderSensitive: boolean): Comparison {
  const unordered = new Set(['failing_probes']);
  if (op === 'plan_next' && !orderSensitive) unordered.add('actions');
  return { nulls: EXACT_OPS.has(op) ? 'exact' : 'lenient', unordered };
}

/** All differences of two JSON values; an empty list means that they agree. Absent and undefined are always equal. */
export function differences(expected: unknown, actual: unknown, comparison: Comparison): Difference[] {
  const found: Difference[] = [];
  walk(expected, actual, '', '', comparison, found);
  return found;
}

function walk(
  expected: unknown,
  actual: unknown,
  path: string,
  name: string,
  comparison: Comparison,
  found: Difference[],
): void {
  if (Array.isArray(expected) && Array.isArray(actual)) {
    if (comparison.unordered.has(name)) walkSet(expected, actual, path, comparison, found);
    else walkList(expected, actual, path, comparison, found);
    return;
  }
  if (isObject(expected) && isObject(actual)) {
    walkObject(expected, actual, path, comparison, found);
    return;
  }
  if (!sameScalar(expected, actual, comparison)) found.push({ path, expected, actual });
}

function walkList(
  expected: readonly unknown[],
  actual: readonly unknown[],
  path: string,
  comparison: Comparison,
  found: Difference[],
): void {
  const length = Math.max(expected.length, actual.length);
  for (let i = 0; i < length; i++) {
    const here = `${path}[${i}]`;
    // A missing last element is a difference even where nulls are lenient.
    if (i >= expected.length || i >= actual.length) {
      found.push({ path: here, expected: expected[i], actual: actual[i] });
    } else {
      walk(expected[i], actual[i], here, '', comparison, found);
    }
  }
}

function walkSet(
  expected: readonly unknown[],
  actual: readonly unknown[],
  path: string,
  comparison: Comparison,
  found: Difference[],
): void {
  const left = [...actual];
  for (const wanted of expected) {
    const at = left.findIndex((candidate) => differences(wanted, candidate, comparison).length === 0);
    if (at >= 0) left.splice(at, 1);
    else found.push({ path: `${path}[*]`, expected: wanted, actual: undefined });
  }
  for (const extra of left) found.push({ path: `${path}[*]`, expected: undefined, actual: extra });
}

function walkObject(
  expected: Readonly<Record<string, unknown>>,
  actual: Readonly<Record<string, unknown>>,
  path: string,
  comparison: Comparison,
  found: Difference[],
): void {
  for (const name of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
    walk(own(expected, name), own(actual, name), childPath(path, name), name, comparison, found);
  }
}

/** Reading `__proto__` of an object that has no such member of its own would give the prototype. */
function own(object: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function sameScalar(expected: unknown, actual: unknown, comparison: Comparison): boolean {
  if (comparison.nulls === 'lenient') return (expected ?? undefined) === (actual ?? undefined);
  return expected === actual;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function childPath(path: string, name: string): string {
  if (!/^[A-Za-z_$][\w$]*$/.test(name)) return `${path}[${JSON.stringify(name)}]`;
  return path === '' ? name : `${path}.${name}`;
}
