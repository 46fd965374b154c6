/** Metadata that this runtime reads or writes. Everything the API server fills in is absent on an object not yet created. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly generation?: number | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly ownerReferences?: readonly OwnerReference[] | undefined;
  readonly finalizers?: readonly string[] | undefined;
  readonly creationTimestamp?: string | undefined;
  readonly deletionTimestamp?: string | undefined;
}

/** A reference to the object that owns this one (a backstop for the garbage collector only). */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean | undefined;
  readonly blockOwnerDeletion?: boolean | undefined;
}

/** What every object of the API has. Objects that came from a store are shared: never change them in place. */
export interface KubeObject {
  readonly apiVersion?: string | undefined;
  readonly kind?: string | undefined;
  readonly metadata: ObjectMeta;
}

/** An object with a status subresource. */
export interface WithStatus extends KubeObject {
  readonly status?: unknown;
}

/** How to reach objects of one kind. `T` is the shape of one object; it exists for the compiler only. */
export interface Resource<T extends KubeObject = KubeObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Lists and watches answer without anything but metadata; for objects that are large. */
  readonly metadataOnly?: boolean;
  readonly __object?: T;
}

/** Declares a resource; `defineResource<Host>({...})` fixes the object type. */
export function defineResource<T extends KubeObject>(resource: Omit<Resource<T>, '__object'>): Resource<T> {
  return resource;
}

/** Name and namespace of one object. */
export interface ObjectRef {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** `namespace/name`, or the bare name of a cluster-scoped object: the key of stores and queues. */
export type ObjectKey = string;

/** The key of an object. */
export function keyOf(object: KubeObject): ObjectKey {
  return keyOfRef(object.metadata);
}

/** The key of a name and namespace. */
export function keyOfRef(ref: ObjectRef): ObjectKey {
  return ref.namespace === undefined || ref.namespace === '' ? ref.name : `${ref.namespace}/${ref.name}`;
}

/** Name and namespace of a key. */
export function refOfKey(key: ObjectKey): ObjectRef {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** The `apiVersion` text of a resource: `group/version`, or the bare version of the core group. */
export function apiVersionOf(resource: Resource): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/** The URL path of a collection, or of one object, or of a subresource of it. */
export function pathOf(
  resource: Resource,
  target: { readonly namespace?: string | undefined; readonly name?: string; readonly subresource?: string },
): string {
  const parts = [resource.group === '' ? 'api' : `apis/${resource.group}`, resource.version];
  if (resource.namespaced && target.namespace !== undefined) {
    parts.push('namespaces', encodeURIComponent(target.namespace));
  }
  parts.push(resource.plural);
  if (target.name !== undefined) parts.push(encodeURIComponent(target.name));
  if (target.subresource !== undefined) parts.push(target.subresource);
  return `/${parts.join('/')}`;
}

/**
 * Orders two resource versions: negative, zero or positive. They are decimal integers without leading zeros, so the
 * longer text is the larger number and no precision is lost.
 */
export function compareVersions(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Whether nothing but the status of an object differs. */
export function sameSpec(old: KubeObject, next: KubeObject): boolean {
  const { uid, generation } = old.metadata;
  return next.metadata.uid === uid && next.metadata.generation === generation;
}
