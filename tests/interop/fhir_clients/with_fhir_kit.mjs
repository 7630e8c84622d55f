// The program of `test_fhir_clients` for fhir-kit-client.
import { createInterface } from 'node:readline/promises';
import { Client } from 'fhir-kit-client';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const nextLine = async () => JSON.parse((await lines.next()).value);
const resourceType = 'AuditEvent';

const [baseUrl, portal, security, events] = await nextLine();
const sender = new Client({ baseUrl, bearerToken: portal });
const reader = new Client({ baseUrl, bearerToken: security });
if ((await reader.capabilityStatement()).fhirVersion !== '4.0.1') throw new Error('not R4');
const created = [];
for (const body of events) created.push(await sender.create({ resourceType, body }));
console.log(JSON.stringify({ created: created.map(({ id }) => id) }));

const ids = await nextLine();
const read = [];
for (const id of ids) read.push(await reader.read({ resourceType, id }));
const agent = events[0].agent[0].who.reference;
const idsIn = ({ entry = [] }) => entry
  .filter(({ search }) => search.mode === 'match')
  .map(({ resource }) => resource.id);
const found = await reader.search({
  resourceType,
  searchParams: { agent },
  options: { postSearch: true },
});
const pages = [];
for (
  let bundle = await reader.search({ resourceType, searchParams: { agent, _count: 2 } });
  bundle;
  bundle = await reader.nextPage({ bundle })
) pages.push(idsIn(bundle));
console.log(JSON.stringify({
  read: read.map(({ id }) => id),
  patients: read.map(({ entity }) => entity[0].what.identifier.value),
  found: idsIn(found),
  pages,
  'page size': 2,
  total: found.total,
}));
process.exit(0);
