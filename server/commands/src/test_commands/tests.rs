use crate::registry;
use crate::testing::Rig;
use quire_bson::doc;

#[test]
fn no_command_for_tests_exists_on_a_server_that_is_not_for_tests() {
    let rig = Rig::new();
    let for_tests = registry::all().into_iter().filter(|command| command.for_tests);
    for command in for_tests {
        let name = command.name;
        let refused = rig.refused("admin", doc! { name: 1 });
        assert_eq!(refused, (59, format!("no such command: '{name}'")));
    }
    let listed = rig.ok("admin", doc! { "listCommands": 1 });
    assert!(!listed.get_document("commands").unwrap().contains_key("testVersion2"));
    rig.server.parameters.set("enableTestCommands", true.into());
    let listed = rig.ok("admin", doc! { "listCommands": 1 });
    let shown = listed.get_document("commands").unwrap().get_document("testVersion2").unwrap();
    assert_eq!(shown.get_array("apiVersions").unwrap(), &vec!["2".into()]);
}
