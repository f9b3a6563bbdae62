// Finds fields that no document can ask for together: members of one union or interface have them
// under one name with different types. GraphQL's rule "Field Selection Merging" refuses such
// documents, so a schema that has none of these pairs never surprises a client.

import {
  getNamedType,
  isAbstractType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
} from 'graphql';

/** The pairs, each as a sentence, in order. */
export function overlaps(schema) {
  const compared = new Set();
  const found = new Set();

  const members = (type) => {
    if (!isAbstractType(type)) return [type];
    const own = isInterfaceType(type) ? [type] : [];
    return [...own, ...schema.getPossibleTypes(type)];
  };

  const compareAll = (some, others) => {
    for (const one of some) {
      for (const other of others) compareFields(one, other);
    }
  };

  const compareFields = (one, other) => {
    const key = [one.name, other.name].sort().join(' ');
    if (one === other || compared.has(key)) return;
    compared.add(key);
    const others = other.getFields();
    for (const field of Object.values(one.getFields())) {
      const twin = others[field.name];
      if (twin === undefined) continue;
      if (conflict(field.type, twin.type)) {
        const pair = [one, other].map((type) => {
          const name = `${type.name}.${field.name}`;
          return `${name} is ${type.getFields()[field.name].type}`;
        });
        found.add(pair.sort().join(', '));
      } else if (!isLeafType(getNamedType(field.type))) {
        compareAll(members(getNamedType(field.type)), members(getNamedType(twin.type)));
      }
    }
  };

  for (const type of Object.values(schema.getTypeMap())) {
    if (isAbstractType(type)) compareAll(members(type), members(type));
  }
  return [...found].sort();
}

/** Whether values of both types cannot stand in one place of an answer. */
function conflict(one, other) {
  for (const isWrapped of [isNonNullType, isListType]) {
    if (isWrapped(one) || isWrapped(other)) {
      return !(isWrapped(one) && isWrapped(other)) || conflict(one.ofType, other.ofType);
    }
  }
  return (isLeafType(one) || isLeafType(other)) && one !== other;
}
