import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.parser.StrictErrorHandler;
import ca.uhn.fhir.rest.api.MethodOutcome;
import ca.uhn.fhir.rest.client.api.IGenericClient;
import ca.uhn.fhir.rest.client.api.ServerValidationModeEnum;
import ca.uhn.fhir.rest.client.interceptor.AdditionalRequestHeadersInterceptor;
import ca.uhn.fhir.rest.client.interceptor.BearerTokenAuthInterceptor;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.hl7.fhir.r5.model.AuditEvent;
import org.hl7.fhir.r5.model.Bundle;
import org.hl7.fhir.r5.model.CapabilityStatement;

/**
 * Creates, reads and finds events as a client of R5 that validates: it first checks that the
 * server is of R5, and its parser rejects what R5 does not have.
 *
 * <p>Reads a line {@code [url, portal token, reader's token, an R4 event, an R5 event]}; writes a
 * line with the ids of the two; reads any line, once they are published; and writes a line
 * with what it read and found.
 */
public class ValidatingR5 {
  static final ObjectMapper JSON = new ObjectMapper();
  static final FhirContext R4 = FhirContext.forR4();
  static final FhirContext R5 = FhirContext.forR5();

  public static void main(String[] arguments) throws Exception {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    JsonNode parameters = JSON.readTree(lines.readLine());
    String url = parameters.get(0).asText();
    String portal = parameters.get(1).asText();
    R5.setParserErrorHandler(new StrictErrorHandler());
    R5.getRestfulClientFactory().setServerValidationMode(ServerValidationModeEnum.ONCE);

    IGenericClient sender = R4.newRestfulGenericClient(url);
    sender.registerInterceptor(new BearerTokenAuthInterceptor(portal));
    String older = sender.create().resource(parameters.get(3).toString()).execute().getId().getIdPart();
    MethodOutcome created = client(url, portal).create()
        .resource(R5.newJsonParser().parseResource(AuditEvent.class, parameters.get(4).toString()))
        .execute();
    String newer = created.getId().getIdPart();
    AuditEvent returned = (AuditEvent) created.getResource();
    write(Map.of("created", List.of(older, newer), "returned", about(returned)));

    lines.readLine();
    IGenericClient reader = client(url, parameters.get(2).asText());
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("release", reader.capabilities().ofType(CapabilityStatement.class).execute()
        .getFhirVersion().toCode());
    List<Map<String, Object>> read = new ArrayList<>();
    for (String id : List.of(older, newer)) {
      read.add(about(reader.read().resource(AuditEvent.class).withId(id).execute()));
    }
    result.put("read", read);
    List<Map<String, Object>> found = new ArrayList<>();
    Bundle page = reader.search().forResource(AuditEvent.class)
        .where(AuditEvent.DATE.afterOrEquals().day("2026-11-01"))
        .and(AuditEvent.AGENT.hasId("Practitioner/r5"))
        .sort().ascending(AuditEvent.DATE)
        .count(1)
        .returnBundle(Bundle.class).execute();
    while (true) {
      for (Bundle.BundleEntryComponent entry : page.getEntry()) {
        if (entry.getSearch().getMode() == Bundle.SearchEntryMode.MATCH) {
          found.add(about((AuditEvent) entry.getResource()));
        }
      }
      if (page.getLink(Bundle.LINK_NEXT) == null) {
        break;
      }
      page = reader.loadPage().next(page).execute();
    }
    result.put("found", found);
    write(result);
  }

  /** By default HAPI names no release in Accept, whichever its context has. */
  static IGenericClient client(String url, String token) {
    AdditionalRequestHeadersInterceptor release = new AdditionalRequestHeadersInterceptor();
    release.addHeaderValue("Accept", "application/fhir+json; fhirVersion=5.0");
    IGenericClient client = R5.newRestfulGenericClient(url);
    client.registerInterceptor(release);
    client.registerInterceptor(new BearerTokenAuthInterceptor(token));
    return client;
  }

  static Map<String, Object> about(AuditEvent event) {
    return Map.of(
        "id", event.getIdElement().getIdPart(),
        "code", event.getCode().getCodingFirstRep().getCode(),
        "patient", event.getPatient().getIdentifier().getValue());
  }

  static void write(Object what) throws IOException {
    System.out.println(JSON.writeValueAsString(what));
    System.out.flush();
  }
}
