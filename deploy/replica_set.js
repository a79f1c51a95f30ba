// For deploy/compose.yaml: initiate a replica set of one member, and wait until it accepts writes.
try {
  rs.status();
} catch (error) {
  if (error.codeName !== 'NotYetInitialized') throw error;
  rs.initiate({_id: 'rs0', members: [{_id: 0, host: 'mongo:27017'}]});
}
while (!db.hello().isWritablePrimary) sleep(200);
