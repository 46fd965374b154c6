import type { KubeObject, ObjectKey } from './resource.ts';

/** The values under which an object is found in an index; must depend on the object only. */
export type Indexer<T extends KubeObject> = (object: T) => readonly string[];

/** One index over a store: value → objects. Empty values are dropped, so it never outgrows the store. */
export class StoreIndex<T extends KubeObject> {
  readonly #indexer: Indexer<T>;
  readonly #byValue = new Map<string, Map<ObjectKey, T>>();
  readonly #valuesOf = new Map<ObjectKey, readonly string[]>();

  constructor(indexer: Indexer<T>) {
    this.#indexer = indexer;
  }

  /** Objects under the value, in the order in which they came under it. */
  lookup(value: string): readonly T[] {
    const found = this.#byValue.get(value);
    return found === undefined ? [] : [...found.values()];
  }

  /** Files an object, or files it anew after a change. */
  put(key: ObjectKey, object: T): void {
    const values = this.#indexer(object);
    const before = this.#valuesOf.get(key) ?? [];
    for (const value of before) if (!values.includes(value)) this.#unfile(key, value);
    for (const value of values) this.#file(key, value, object);
    if (values.length === 0) this.#valuesOf.delete(key);
    else this.#valuesOf.set(key, values);
  }

  /** Takes an object out. */
  remove(key: ObjectKey): void {
    for (const value of this.#valuesOf.get(key) ?? []) this.#unfile(key, value);
    this.#valuesOf.delete(key);
  }

  #file(key: ObjectKey, value: string, object: T): void {
    const found = this.#byValue.get(value);
    if (found === undefined) this.#byValue.set(value, new Map([[key, object]]));
    else found.set(key, object);
  }

  #unfile(key: ObjectKey, value: string): void {
    const found = this.#byValue.get(value);
    found?.delete(key);
    if (found?.size === 0) this.#byValue.delete(value);
  }
}
