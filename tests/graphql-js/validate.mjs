// Usage: node validate.mjs, from the root of the checkout.
// Validates schema.graphql, and every GraphQL document of the repository against it, by GraphQL's
// own rules as graphql-js has them. In Markdown, what is fenced as `graphql` counts, each operation
// by itself.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { Kind, Source, buildSchema, parse, validate, validateSchema } from 'graphql';

import { overlaps } from './overlaps.mjs';

const SCHEMA = 'schema.graphql';
const FENCE = /^```graphql\n(.*?)^```/gms;

const schema = buildSchema(new Source(readFileSync(SCHEMA, 'utf8'), SCHEMA));
const paths = documents();
const faults = [
  ...validateSchema(schema).map(String),
  ...overlaps(schema).map((pair) => `${SCHEMA}: ${pair}: no document can ask for both`),
  ...paths.flatMap(faultsOf),
];

for (const fault of faults) console.error(`${fault}\n`);
console.log(`${paths.length} documents, ${faults.length} faults`);
process.exitCode = faults.length > 0 ? 1 : 0;

/** Paths of those that are or could be committed. */
function documents() {
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--'];
  const listing = execFileSync('git', [...list, '*.graphql', '*.md'], { encoding: 'utf8' });
  // A schema is no document, and a file may be deleted but still listed.
  const isDocument = (path) => !path.endsWith(SCHEMA) && existsSync(path);
  return listing.split('\0').filter((path) => path !== '' && isDocument(path));
}

function faultsOf(path) {
  const text = readFileSync(path, 'utf8');
  if (!path.endsWith('.md')) return faultsIn(new Source(text, path), (whole) => [whole]);
  return [...text.matchAll(FENCE)].flatMap((fence) => {
    const line = text.slice(0, fence.index).split('\n').length + 1;
    return faultsIn(new Source(fence[1], path, { line, column: 1 }), eachOperation);
  });
}

function faultsIn(source, split) {
  try {
    const parts = split(parse(source));
    return parts.flatMap((part) => validate(schema, part)).map(String);
  } catch (error) {
    return [String(error)];
  }
}

/** One document for each operation, since several without a name cannot stand in one. */
function eachOperation({ definitions, ...document }) {
  const isOperation = ({ kind }) => kind === Kind.OPERATION_DEFINITION;
  const fragments = definitions.filter((definition) => !isOperation(definition));
  return definitions.filter(isOperation).map((operation) => {
    return { ...document, definitions: [operation, ...fragments] };
  });
}
