import { addMillis } from '../../src/api/time.ts';
import { KubeError } from '../../src/kube/errors.ts';
import type { DeleteOptions, DeleteResult, ListOptions } from '../../src/kube/kube-client.ts';
import { keyOf, keyOfRef, type KubeObject, type ObjectRef, type Resource } from '../../src/kube/resource.ts';
import { sameJson } from '../../src/kube/same-json.ts';
import type { EventLoop } from './event-loop.ts';
import { EPOCH } from './sim-process.ts';
import { checkTransition, hasStatus, withDefaults } from './sim-rules.ts';

/** One stored change: what was, what is, and who made it. */
export interface ApiChange {
  readonly plural: string;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly before: KubeObject | undefined;
  /** The object after the change; a deleted one as it was, with the version of its end. */
  readonly object: KubeObject;
  readonly by: string;
}

type Stored = KubeObject & { readonly spec?: unknown; readonly status?: unknown };

/** A write that was refused, and why. */
export interface Refusal {
  readonly by: string;
  readonly verb: 'create' | 'replace' | 'replaceStatus' | 'delete';
  readonly plural: string;
  readonly name: string;
  readonly reason: string;
}

/** Collections with the API server's answers. Everything stored is frozen, so that snapshots cost nothing. */
export class SimApi {
  readonly #loop: EventLoop;
  readonly #collections = new Map<string, Map<string, Stored>>();
  readonly #listeners: ((change: ApiChange) => void)[] = [];
  readonly #refusals: ((refusal: Refusal) => void)[] = [];
  #version = 0;
  #uids = 0;

  constructor(loop: EventLoop) {
    this.#loop = loop;
  }

  /** The version of the last change. */
  get version(): string {
    return String(this.#version);
  }

  /** Told of every change, in order, before anybody else can act. */
  onChange(listener: (change: ApiChange) => void): void {
    this.#listeners.push(listener);
  }

  /** Told of every write that is refused. */
  onRefusal(listener: (refusal: Refusal) => void): void {
    this.#refusals.push(listener);
  }

  /** Says that a write was refused. */
  refused(refusal: Refusal): void {
    for (const listener of this.#refusals) listener(refusal);
  }

  /** Objects of a collection, in the order of their creation. */
  all<T extends KubeObject>({ plural }: Resource<T>): T[] {
    return [...(this.#collections.get(plural)?.values() ?? [])] as unknown as T[];
  }

  /** An object, if it is there. */
  peek<T extends KubeObject>({ plural }: Resource<T>, ref: ObjectRef): T | undefined {
    return this.#collections.get(plural)?.get(keyOfRef(ref)) as T | undefined;
  }

  get<T extends KubeObject>(resource: Resource<T>, ref: ObjectRef): T {
    const found = this.peek(resource, ref);
    if (found === undefined) throw failure(404, 'NotFound', `${resource.plural} "${ref.name}" not found`);
    return found;
  }

  list<T extends KubeObject>(resource: Resource<T>, { labelSelector }: ListOptions = {}): T[] {
    const all = this.all(resource);
    return labelSelector === undefined ? all : all.filter((object) => selects(labelSelector, object));
  }

  create<T extends KubeObject>({ plural }: Resource<T>, object: T, by: string): T {
    const key = keyOf(object);
    const collection = this.#collection(plural);
    if (collection.has(key)) throw failure(409, 'AlreadyExists', `${plural} "${key}" already exists`);
    const { status: _status, ...rest } = object as Stored;
    const created = addMillis(EPOCH, Math.floor(this.#loop.now / 1000) * 1000);
    const metadata = {
      ...object.metadata,
      uid: `uid-${++this.#uids}`,
      generation: 1,
      creationTimestamp: created,
    };
    const status = withDefaults(plural, hasStatus(plural) ? undefined : _status);
    return this.#store(
      plural,
      undefined,
      { ...rest, metadata, ...(status !== undefined && { status }) },
      by,
    ) as KubeObject as T;
  }

  replace<T extends KubeObject>(resource: Resource<T>, object: T, by: string): T {
    const before = this.#current(resource, object);
    const { status: _status, ...rest } = object as Stored;
    const status = hasStatus(resource.plural) ? before.status : _status;
    const changed = !sameJson(frozenJson(rest.spec), before.spec);
    const generation = (before.metadata.generation ?? 1) + (changed ? 1 : 0);
    const metadata = { ...object.metadata, ...identity(before), generation };
    const next = { ...rest, metadata, ...(status !== undefined && { status }) };
    return this.#store(resource.plural, before, next, by) as KubeObject as T;
  }

  replaceStatus<T extends KubeObject>(resource: Resource<T>, object: T, by: string): T {
    const before = this.#current(resource, object);
    const next = { ...before, status: withDefaults(resource.plural, (object as Stored).status) };
    checkTransition(resource.plural, before, next);
    return this.#store(resource.plural, before, next, by) as KubeObject as T;
  }

  delete<T extends KubeObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    { uid, resourceVersion }: DeleteOptions,
    by: string,
  ): DeleteResult<T> {
    const found = this.get(resource, ref);
    const other = resourceVersion !== undefined && resourceVersion !== found.metadata.resourceVersion;
    if ((uid !== undefined && uid !== found.metadata.uid) || other) {
      throw failure(409, 'Conflict', 'the precondition of the delete does not hold');
    }
    this.#collection(resource.plural).delete(keyOfRef(ref));
    const object = { ...found, metadata: { ...found.metadata, resourceVersion: String(++this.#version) } };
    this.#tell({ plural: resource.plural, type: 'DELETED', before: found, object, by });
    return { gone: true };
  }

  #current<T extends KubeObject>(resource: Resource<T>, object: T): Stored {
    const before = this.get(resource, object.metadata) as Stored;
    const { uid, resourceVersion } = object.metadata;
    if (resourceVersion === undefined) throw failure(422, 'Invalid', 'resourceVersion must be specified');
    if (
      resourceVersion !== before.metadata.resourceVersion ||
      (uid ?? before.metadata.uid) !== before.metadata.uid
    ) {
      throw failure(409, 'Conflict', 'the object has been modified');
    }
    return before;
  }

  #store(plural: string, before: Stored | undefined, next: Stored, by: string): Stored {
    const clean = frozenJson(next);
    if (before !== undefined && sameJson(clean, before)) return before;
    const metadata = Object.freeze({ ...clean.metadata, resourceVersion: String(++this.#version) });
    const object = Object.freeze({ ...clean, metadata });
    this.#collection(plural).set(keyOf(object), object);
    this.#tell({ plural, type: before === undefined ? 'ADDED' : 'MODIFIED', before, object, by });
    return object;
  }

  #tell(change: ApiChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  #collection(plural: string): Map<string, Stored> {
    let collection = this.#collections.get(plural);
    if (collection === undefined) this.#collections.set(plural, (collection = new Map()));
    return collection;
  }
}

/** `key` or `!key`. */
export function selects(labelSelector: string, { metadata }: KubeObject): boolean {
  const absent = labelSelector.startsWith('!');
  return (metadata.labels?.[absent ? labelSelector.slice(1) : labelSelector] !== undefined) !== absent;
}

function identity({ metadata }: KubeObject): Partial<KubeObject['metadata']> {
  const { uid, creationTimestamp, resourceVersion } = metadata;
  return { uid, creationTimestamp, resourceVersion };
}

function failure(status: number, reason: string, message: string): KubeError {
  return new KubeError({ status, reason, message });
}

/** The value as JSON would carry it, deep-frozen. What is frozen already was stored before and is taken as it is. */
function frozenJson<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  if (Array.isArray(value)) return Object.freeze(value.map((item: unknown) => frozenJson(item))) as T;
  const copy: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    const member = (value as Record<string, unknown>)[name];
    if (member !== undefined) copy[name] = frozenJson(member);
  }
  return Object.freeze(copy) as T;
}
