/**
 * The value of a name in a map that came from outside. Maps that were made by hand have a prototype, whose members
 * (`constructor`, for one) are no channels.
 */
export function ownMember<Value>(map: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(map, name) ? map[name] : undefined;
}
